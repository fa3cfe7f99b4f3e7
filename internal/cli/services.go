package cli

import (
	"context"

	"github.com/unreel/unreel/internal/app"
)

// GatewayCmd runs the public door.
type GatewayCmd struct {
	app.DatabaseSettings
	app.BlobSettings
	app.QueueSettings
	app.LinkSettings
	app.GatewaySettings
	app.DurationSettings
	app.RetentionSettings
	app.WebhookSettings
	app.AdminSettings

	AuthURL string `env:"UNREEL_AUTH_URL" default:"http://auth:5000" placeholder:"URL" help:"Where the auth service is."`
}

// Run serves until the context ends.
func (c *GatewayCmd) Run(ctx context.Context, io *IO) error {
	return app.Gateway(ctx, app.Settings{
		DatabaseSettings: c.DatabaseSettings, BlobSettings: c.BlobSettings, QueueSettings: c.QueueSettings,
		LinkSettings: c.LinkSettings, GatewaySettings: c.GatewaySettings, DurationSettings: c.DurationSettings,
		RetentionSettings: c.RetentionSettings, WebhookSettings: c.WebhookSettings, AdminSettings: c.AdminSettings, Build: build(), AuthURL: c.AuthURL,
	}, io.Err)
}

// AuthCmd runs the auth service.
type AuthCmd struct {
	app.DatabaseSettings
	app.AuthSettings
	app.MailSettings
	app.LinkSettings
	app.LimitSettings
	app.AdminSettings
}

// Run serves until the context ends.
func (c *AuthCmd) Run(ctx context.Context, io *IO) error {
	return app.Auth(ctx, app.Settings{
		DatabaseSettings: c.DatabaseSettings, AuthSettings: c.AuthSettings,
		MailSettings: c.MailSettings, LinkSettings: c.LinkSettings, LimitSettings: c.LimitSettings, AdminSettings: c.AdminSettings, Build: build(),
	}, io.Err)
}

// ConverterCmd runs a converter.
type ConverterCmd struct {
	app.DatabaseSettings
	app.BlobSettings
	app.QueueSettings
	app.ConverterSettings
	app.DurationSettings
	app.RetentionSettings
	app.AdminSettings
}

// Run converts until the context ends.
func (c *ConverterCmd) Run(ctx context.Context, io *IO) error {
	return app.Converter(ctx, app.Settings{
		DatabaseSettings: c.DatabaseSettings, BlobSettings: c.BlobSettings, QueueSettings: c.QueueSettings,
		ConverterSettings: c.ConverterSettings, DurationSettings: c.DurationSettings, RetentionSettings: c.RetentionSettings,
		AdminSettings: c.AdminSettings, Build: build(),
	}, io.Err)
}

// NotifierCmd runs a notifier.
type NotifierCmd struct {
	app.DatabaseSettings
	app.QueueSettings
	app.MailSettings
	app.LinkSettings
	app.RetentionSettings
	app.WebhookSettings
	app.AdminSettings
}

// Run notifies until the context ends.
func (c *NotifierCmd) Run(ctx context.Context, io *IO) error {
	return app.Notifier(ctx, app.Settings{
		DatabaseSettings: c.DatabaseSettings, QueueSettings: c.QueueSettings, MailSettings: c.MailSettings,
		LinkSettings: c.LinkSettings, RetentionSettings: c.RetentionSettings, WebhookSettings: c.WebhookSettings,
		AdminSettings: c.AdminSettings, Build: build(),
	}, io.Err)
}
