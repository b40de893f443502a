//! A staged function app: `host.json`, one folder for each function, and what the host checks of them.
