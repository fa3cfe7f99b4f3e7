-- +goose Up
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE due_at IS NOT NULL;

-- +goose Down
DROP INDEX deliveries_due;
