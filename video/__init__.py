"""The darkroom: the only room that opens video files, always in a child process with limits."""
