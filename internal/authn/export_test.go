package authn

// Kept returns how many apps and nodes are remembered.
func (m *Machines) Kept() (apps, nodes int) {
	m.apps.CleanUp()
	m.nodes.CleanUp()
	return m.apps.EstimatedSize(), m.nodes.EstimatedSize()
}
