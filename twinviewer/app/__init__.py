"""What can be done: session, commands, jobs, workers, plugin host, project file, settings.  No Qt, no VTK."""
