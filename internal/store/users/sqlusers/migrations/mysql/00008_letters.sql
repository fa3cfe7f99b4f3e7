-- +goose Up
CREATE TABLE letters (
    id CHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    purpose VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    user_id VARCHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    address VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    PRIMARY KEY (id),
    KEY letters_due (due_at)
) ENGINE = InnoDB;

-- +goose Down
DROP TABLE letters;
