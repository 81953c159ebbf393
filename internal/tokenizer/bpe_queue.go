package tokenizer

// candidate is a merge that waits; it is stale when its symbol has changed.
type candidate struct {
	at  int32
	end int32 // of the bytes that the merge would make
}

// bucket holds the candidates of one rank. They mostly come in the order of their
// positions, which makes it a list; once one does not, it is a heap.
type bucket struct {
	rank  uint64
	items []candidate
	head  int
	heap  bool
}

// queue gives candidates by rank, those of a rank by position.
type queue struct {
	ranks   []int32 // a heap of the buckets that are in use
	buckets []bucket
	free    []int32
	byRank  map[uint64]int32
}

// mergeByQueue does what mergeByScan does, for long words.
func (m *bpe) mergeByQueue(s *scratch, word string) {
	q := &s.queue
	q.reset()
	push := func(i int32) {
		if i >= 0 && s.symbols[i].rank != never {
			q.push(s.symbols[i].rank, candidate{i, s.symbols[s.symbols[i].next].end})
		}
	}
	for i := range s.symbols {
		push(int32(i))
	}
	for len(q.ranks) > 0 {
		rank, c := q.pop()
		a := &s.symbols[c.at]
		if a.id == dead || a.rank != rank || a.next < 0 || s.symbols[a.next].end != c.end {
			continue
		}
		m.join(s.symbols, c.at, word)
		push(c.at)
		push(a.prev)
	}
}

func (q *queue) reset() {
	q.ranks, q.free = q.ranks[:0], q.free[:0]
	for i := range q.buckets {
		q.free = append(q.free, int32(i))
	}
	if q.byRank == nil {
		q.byRank = map[uint64]int32{}
	}
	clear(q.byRank)
}

func (q *queue) push(rank uint64, c candidate) {
	i, ok := q.byRank[rank]
	if !ok {
		if n := len(q.free); n > 0 {
			i = q.free[n-1]
			q.free = q.free[:n-1]
		} else {
			i = int32(len(q.buckets))
			q.buckets = append(q.buckets, bucket{})
		}
		b := &q.buckets[i]
		b.rank, b.items, b.head, b.heap = rank, b.items[:0], 0, false
		q.byRank[rank] = i
		q.ranks = append(q.ranks, i)
		up(q.ranks, len(q.ranks)-1, q.before)
	}
	q.buckets[i].push(c)
}

func (q *queue) before(a, b int32) bool { return q.buckets[a].rank < q.buckets[b].rank }

// pop takes the first candidate; there must be one.
func (q *queue) pop() (uint64, candidate) {
	i := q.ranks[0]
	b := &q.buckets[i]
	c := b.pop()
	if b.head == len(b.items) {
		last := len(q.ranks) - 1
		q.ranks[0] = q.ranks[last]
		q.ranks = q.ranks[:last]
		down(q.ranks, 0, q.before)
		delete(q.byRank, b.rank)
		q.free = append(q.free, i)
	}
	return b.rank, c
}

func earlier(a, b candidate) bool { return a.at < b.at }

func (b *bucket) push(c candidate) {
	n := len(b.items)
	if !b.heap && n > b.head && c.at < b.items[n-1].at {
		b.items = append(b.items[:0], b.items[b.head:]...) // in order, and so a heap
		b.head, b.heap = 0, true
	}
	b.items = append(b.items, c)
	if b.heap {
		up(b.items, len(b.items)-1, earlier)
	}
}

func (b *bucket) pop() candidate {
	c := b.items[b.head]
	if !b.heap {
		b.head++
		return c
	}
	last := len(b.items) - 1
	b.items[0] = b.items[last]
	b.items = b.items[:last]
	down(b.items, 0, earlier)
	return c
}

// up moves an item of a heap to its place towards the top.
func up[T any](heap []T, i int, before func(a, b T) bool) {
	for i > 0 {
		parent := (i - 1) / 2
		if !before(heap[i], heap[parent]) {
			return
		}
		heap[i], heap[parent] = heap[parent], heap[i]
		i = parent
	}
}

// down moves an item of a heap to its place towards the bottom.
func down[T any](heap []T, i int, before func(a, b T) bool) {
	for {
		child := 2*i + 1
		if child >= len(heap) {
			return
		}
		if child+1 < len(heap) && before(heap[child+1], heap[child]) {
			child++
		}
		if !before(heap[child], heap[i]) {
			return
		}
		heap[i], heap[child] = heap[child], heap[i]
		i = child
	}
}
