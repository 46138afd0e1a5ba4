"""Mail: composed from templates, built as a message, handed to a transport."""
