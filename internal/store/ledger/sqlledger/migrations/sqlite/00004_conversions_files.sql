-- +goose Up
CREATE INDEX conversions_files ON conversions (files_due) WHERE files_due IS NOT NULL;

-- +goose Down
DROP INDEX conversions_files;
