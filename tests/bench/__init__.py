"""The benchmark: zonekit and its peers, measured side by side in one run. ``make bench``, or ``python -m tests.bench``.

Contenders for one job take turns (A B C, A B C, ...), so that whatever else the machine does hits all of them alike, and
what is reported is the median over the rounds. A contender's output is verified before any of its figures counts, and
nothing is reported unless ``dnssec-verify`` accepts what every signer wrote.

CPU time is user and system time of a program with all its processes and threads, start-up included, as the kernel
accounts for it when the program ends; wall time is taken around it; peak memory is the largest resident set of any one
of its processes.

What ``--json`` writes is described in :mod:`tests.bench.report`.
"""
