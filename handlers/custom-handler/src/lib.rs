//! The wire: what the Azure Functions host says to a custom handler, and what it is answered. Nothing else knows that JSON.
