"""From files on disk to frame tracks: discovery, jobs, and the work on one file."""
