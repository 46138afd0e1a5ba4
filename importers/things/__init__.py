"""What sheets of things mean: spaces with their vehicles and leases, meters with their readings."""
