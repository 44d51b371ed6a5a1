//! Sharing instead of cloning: one `Arc` per emission, for all mailboxes of a hub.
