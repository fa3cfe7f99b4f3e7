-- +goose Up
CREATE TABLE mail_tokens (
    hash BINARY(32) NOT NULL,
    purpose VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    user_id CHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    address VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (hash),
    KEY mail_tokens_user (user_id),
    KEY mail_tokens_expiry (expires_at)
) ENGINE = InnoDB;

-- +goose Down
DROP TABLE mail_tokens;
