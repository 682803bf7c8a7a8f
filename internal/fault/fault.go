//go:build !faultinject

// Package fault names the moments at which a crash would hurt most. In a normal
// build a Point does nothing at all; built with the tag "faultinject", the
// process kills itself at the point named by FAULT_POINT, so that tests can
// stop the world after a commit and before the response.
package fault

// Point marks a moment. It costs nothing in a normal build.
func Point(string) {}
