-- +goose Up
CREATE INDEX deliveries_webhook ON deliveries (webhook_id);

-- +goose Down
DROP INDEX deliveries_webhook;
