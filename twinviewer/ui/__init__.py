"""How it is asked: windows, panels, dialogs, the job bridge.  The only package that knows Qt."""
