package client

import (
	"strings"

	"loadgen/internal/wire"
)

// SplitURLs are the servers' URLs in a list with commas between. A comma that no URL begins
// after is a part of one.
func SplitURLs(list string) (urls []string) {
	for _, part := range strings.Split(list, ",") {
		begins := strings.HasPrefix(part, "http://") || strings.HasPrefix(part, "https://") || strings.HasPrefix(part, "unix:")
		if n := len(urls); n > 0 && !begins {
			urls[n-1] += "," + part
			continue
		}
		urls = append(urls, part)
	}
	return urls
}

// RedactURLs is Redact of each URL in a list.
func RedactURLs(list string) string {
	urls := SplitURLs(list)
	for i := range urls {
		urls[i] = Redact(urls[i])
	}
	return strings.Join(urls, ",")
}

// To is a client of another server, over the same transport and by the same clock. It is closed
// with the first.
func (c *Client) To(baseURL string) (*Client, error) {
	at, bad := parseBase(baseURL)
	o := c.o
	o.BaseURL = baseURL
	d := &Client{o: o, address: at, badURL: bad, clock: c.clock, transport: c.transport, stamps: c.stamps, patch: c.patch, fallback: c.fallback, ignored: c.ignored}
	d.secrets = at.secretsOf(&o)
	err := d.checkStamps()
	if err != nil {
		return nil, err
	}
	d.proxy, err = wire.ProxyFor(at.to, o.Env)
	return d, err
}

// Address is a request that another client has prepared, as it is sent to this one's server.
func (c *Client) Address(p *Prepared) *Prepared {
	q := *p
	q.Target = c.target(c.o.Endpoint)
	c.setHeader(&q, !c.o.KeepAlive)
	return &q
}
