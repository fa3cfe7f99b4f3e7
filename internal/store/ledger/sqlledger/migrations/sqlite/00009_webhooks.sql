-- +goose Up
CREATE TABLE webhooks (
    id          TEXT NOT NULL PRIMARY KEY,
    owner       TEXT NOT NULL,
    url         TEXT NOT NULL,
    secret      BLOB NOT NULL,
    events      TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    disabled_at INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE webhooks;
