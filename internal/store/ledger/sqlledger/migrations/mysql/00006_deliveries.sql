-- +goose Up
CREATE TABLE deliveries (
    id         VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    webhook_id CHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    event      VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    payload    MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    created_at BIGINT NOT NULL,
    due_at     BIGINT NULL,
    attempts   INT NOT NULL,
    KEY deliveries_due (due_at),
    KEY deliveries_webhook (webhook_id),
    KEY deliveries_created (created_at)
) ENGINE = InnoDB;

-- +goose Down
DROP TABLE deliveries;
