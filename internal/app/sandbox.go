package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/unreel/unreel/internal/media/sandbox"
	"github.com/unreel/unreel/internal/media/transcode"
)

// makeTranscoder makes what converts, and shows that it does and that nothing gets out of ffmpeg's box.
func (p *process) makeTranscoder(dir string, logger *slog.Logger) (*transcode.Transcoder, error) {
	ctx := context.Background() // what is tried has deadlines of its own
	box, err := p.makeBox(ctx, logger)
	if err != nil {
		return nil, err
	}
	transcoder, err := transcode.New(transcode.Config{
		TempDir: dir, MaxDuration: p.settings.MaxDuration, Sandbox: box, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make scratch folder: %w", err)
	}
	if err := transcoder.Check(); err != nil {
		return nil, err
	}
	if err := transcoder.Try(ctx); err != nil {
		return nil, err
	}
	if reason := transcoder.Slow(); reason != "" {
		logger.Info("conversions take longer than they could", "reason", reason)
	}
	return transcoder, nil
}

// makeBox makes the box and has a probe try to get out. What is missing is told at the start, by /readyz and by
// a metric; the transcoder tells it with each conversion.
func (p *process) makeBox(ctx context.Context, logger *slog.Logger) (*sandbox.Box, error) {
	mode := sandbox.Mode(p.settings.Sandbox)
	box, err := sandbox.New(mode)
	if err == nil {
		err = box.Check(ctx)
	}
	escape, escaped := errors.AsType[*sandbox.EscapeError](err)
	if err != nil && (mode == sandbox.Required || !escaped) {
		return nil, &SettingError{"UNREEL_SANDBOX", p.settings.Sandbox, err.Error()}
	}
	missing := box.Missing()
	if escaped {
		logger.Warn("a program in the box for ffmpeg got out", "ways", escape.Ways)
		if len(missing) == 0 {
			missing = []string{"what keeps a program in"}
		}
	}
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "unreel", Name: "sandbox_missing_parts", Help: "Parts of the box around ffmpeg that this machine cannot give.",
	})
	gauge.Set(float64(len(missing)))
	p.telemetry.Metrics.Register(gauge)
	if len(missing) > 0 {
		parts := strings.Join(missing, ", ")
		logger.Warn("ffmpeg runs without its whole box: convert only videos that are trusted", "setting", "UNREEL_SANDBOX", "missing", parts)
		p.ready.remark(fmt.Sprintf("UNREEL_SANDBOX is %s: ffmpeg runs without %s", mode, parts))
	}
	return box, nil
}
