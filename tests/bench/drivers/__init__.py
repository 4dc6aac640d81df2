"""The programs that are measured for zonekit, each run as a process of its own."""
