package gatehouse

import (
	"container/list"
	"sync"
)

// lru remembers so many values, and forgets the one that was not used for longest.
type lru[K comparable, V any] struct {
	limit int

	mu    sync.Mutex
	order *list.List // of entries, the last used first
	byKey map[K]*list.Element
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](limit int) *lru[K, V] {
	return &lru[K, V]{limit: limit, order: list.New(), byKey: map[K]*list.Element{}}
}

func (l *lru[K, V]) get(key K) (value V, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	element, ok := l.byKey[key]
	if !ok {
		return value, false
	}
	l.order.MoveToFront(element)
	return element.Value.(entry[K, V]).value, true
}

func (l *lru[K, V]) put(key K, value V) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if element, ok := l.byKey[key]; ok {
		element.Value = entry[K, V]{key, value}
		l.order.MoveToFront(element)
		return
	}
	if len(l.byKey) == l.limit {
		oldest := l.order.Back()
		l.order.Remove(oldest)
		delete(l.byKey, oldest.Value.(entry[K, V]).key)
	}
	l.byKey[key] = l.order.PushFront(entry[K, V]{key, value})
}
