-- +goose Up
CREATE INDEX conversions_owner ON conversions (owner, created_at, id);

-- +goose Down
DROP INDEX conversions_owner;
