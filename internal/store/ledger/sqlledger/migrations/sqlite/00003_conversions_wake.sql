-- +goose Up
CREATE INDEX conversions_wake ON conversions (wake_due) WHERE wake_due IS NOT NULL;

-- +goose Down
DROP INDEX conversions_wake;
