-- +goose Up
CREATE INDEX deliveries_created ON deliveries (created_at);

-- +goose Down
DROP INDEX deliveries_created;
