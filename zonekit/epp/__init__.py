"""The registry channel: EPP frames from values and back, and the steps of a transfer that they carry.

Everything is pure: zonekit opens no connection. It needs lxml, the extra ``epp``.
"""
