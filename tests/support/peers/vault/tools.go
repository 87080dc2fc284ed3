//go:build tools

// The program that this module builds. Its own module has replace lines, so that `go install` refuses it.
package tools

import _ "github.com/hashicorp/vault"
