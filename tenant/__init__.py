"""The domain of Wuguan: offices, their people, tickets, charges; knows no web, no queue, no spreadsheet."""
