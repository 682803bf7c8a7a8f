//go:build unix

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// conn is a plain HTTP/1.1 client on one connection. It does as little as it
// can, so that what is measured is the server.
type conn struct {
	raw    net.Conn
	reader *bufio.Reader
	body   []byte
}

func dial(address string) (*conn, error) {
	raw, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &conn{raw: raw, reader: bufio.NewReaderSize(raw, 16<<10)}, nil
}

// ask sends a prepared request and returns the status and the body, which is
// good until the next call.
func (c *conn) ask(request []byte) (int, []byte, error) {
	if err := c.raw.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return 0, nil, err
	}
	if _, err := c.raw.Write(request); err != nil {
		return 0, nil, err
	}
	line, err := c.reader.ReadSlice('\n')
	if err != nil || len(line) < 12 {
		return 0, nil, errors.Join(err, errors.New("no status line"))
	}
	status, length := int(line[9]-'0')*100+int(line[10]-'0')*10+int(line[11]-'0'), 0
	for {
		line, err = c.reader.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		if len(line) <= 2 {
			break
		}
		if len(line) > 16 && (line[0] == 'C' || line[0] == 'c') && strings.EqualFold(string(line[:15]), "content-length:") {
			if length, err = strconv.Atoi(strings.TrimSpace(string(line[15:]))); err != nil {
				return 0, nil, err
			}
		}
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	_, err = io.ReadFull(c.reader, c.body)
	return status, c.body, err
}

// request renders a request once, to be sent many times.
func request(method, path, body string, headers ...string) []byte {
	lines := []string{method + " " + path + " HTTP/1.1", "Host: localhost"}
	lines = append(lines, headers...)
	if body != "" {
		lines = append(lines, "Content-Type: application/json", "Content-Length: "+strconv.Itoa(len(body)))
	}
	return []byte(strings.Join(lines, "\r\n") + "\r\n\r\n" + body)
}

// rate runs step on so many connections for so long (closed loop) and returns
// how many succeeded per second. Any failure ends it.
func rate(address string, clients int, length time.Duration, step func(client int, c *conn) error) (float64, error) {
	var count atomic.Int64
	var failed atomic.Pointer[error]
	var working sync.WaitGroup
	start := time.Now()
	for client := range clients {
		c, err := dial(address)
		if err != nil {
			return 0, err
		}
		working.Go(func() {
			defer c.raw.Close()
			for time.Since(start) < length && failed.Load() == nil {
				if err := step(client, c); err != nil {
					failed.Store(&err)
					return
				}
				count.Add(1)
			}
		})
	}
	working.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(count.Load()) / time.Since(start).Seconds(), nil
}

// expect turns an unexpected status into an error.
func expect(want, got int, body []byte) error {
	if got != want {
		return fmt.Errorf("status %d, not %d: %s", got, want, body)
	}
	return nil
}
