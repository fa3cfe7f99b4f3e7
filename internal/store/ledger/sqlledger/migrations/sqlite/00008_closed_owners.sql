-- +goose Up
CREATE TABLE closed_owners (
    owner     TEXT NOT NULL PRIMARY KEY,
    closed_at INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE closed_owners;
