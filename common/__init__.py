"""What every job family shares: runner, settings, session, lake, quality and report."""

__version__ = "0.1.0"
