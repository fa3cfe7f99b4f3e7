-- +goose Up
CREATE TABLE deliveries (
    id         TEXT NOT NULL PRIMARY KEY,
    webhook_id TEXT NOT NULL,
    event      TEXT NOT NULL,
    payload    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    due_at     INTEGER NULL,
    attempts   INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE deliveries;
