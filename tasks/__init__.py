"""The clockwork: broker, actors, sweeps, schedule and mail. The composition root of the worker."""
