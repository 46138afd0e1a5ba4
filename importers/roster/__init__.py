"""What a roster's rows mean: units, owners, ownerships; whom a name stands for, what would change, how it is kept."""
