"""The commands of `softswitch`, one a file: `configure(parser)` declares its arguments, `run(arguments)` does it and
gives the exit status. A file is imported when its command is used, so that none waits for what others need."""
