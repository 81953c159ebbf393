package client

import (
	"fmt"
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
	d := &Client{o: o, address: at, badURL: bad, clock: c.clock, transport: c.transport, patch: c.patch, fallback: c.fallback, ignored: c.ignored}
	d.secrets = at.secretsOf(&o)
	if o.Stamps == KernelStamps && (at.to.TLS || at.to.Unix != "") {
		return nil, &Problem{Code: "timestamps", Err: fmt.Errorf("no kernel timestamps: there are none of %s", Redact(baseURL))}
	}
	var err error
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
