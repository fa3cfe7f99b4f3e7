-- +goose Up
CREATE INDEX conversions_queue ON conversions (status, queued_at, id);

-- +goose Down
DROP INDEX conversions_queue;
