-- +goose Up
CREATE TABLE mail_tokens (
    hash BLOB NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    user_id TEXT NOT NULL,
    address TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE mail_tokens;
