//! Queues, topics and subscriptions, as Service Bus has them, in one SQLite file.
