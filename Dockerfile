# An image with nothing but the static binary: docker build -t loadgen .
# In an image of your own, of TensorRT-LLM for example, one line is enough:
#   COPY --from=loadgen /loadgen /usr/local/bin/loadgen
FROM golang:1.26 AS build
WORKDIR /src
COPY . .
RUN make build OUT=/loadgen

FROM scratch
COPY --from=build /loadgen /loadgen
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# Results are written here, and what a large run keeps on disk.
WORKDIR /results
ENV TMPDIR=/results
ENTRYPOINT ["/loadgen"]
