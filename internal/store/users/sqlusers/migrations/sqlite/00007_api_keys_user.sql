-- +goose Up
CREATE INDEX api_keys_user ON api_keys (user_id, created_at, id);

-- +goose Down
DROP INDEX api_keys_user;
