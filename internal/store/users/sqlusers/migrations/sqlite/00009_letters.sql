-- +goose Up
CREATE TABLE letters (
    id TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    user_id TEXT NOT NULL,
    address TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE letters;
