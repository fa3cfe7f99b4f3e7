-- +goose Up
CREATE TABLE sessions (
    id CHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    user_id CHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    family BINARY(32) NOT NULL,
    token BINARY(32) NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY sessions_family (family)
) ENGINE = InnoDB;

-- +goose Down
DROP TABLE sessions;
