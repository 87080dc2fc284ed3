//go:build tools

// Pins what buildkit's own release leaves to its replace lines.
package tools

import (
	_ "github.com/moby/buildkit/cmd/buildctl"
	_ "github.com/moby/buildkit/cmd/buildkitd"
)
