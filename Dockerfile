# The exporter. `docker build .` makes the small image; docker-compose.yml uses both targets.
FROM python:3.13-slim-trixie AS build
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY exporter exporter
RUN python -m venv /opt/exporter \
    && /opt/exporter/bin/pip install --no-cache-dir --constraint constraints.txt .

FROM prom/prometheus:v3.13.3 AS prometheus

FROM python:3.13-slim-trixie AS exporter
COPY --from=build /opt/exporter /opt/exporter
# The user of Prometheus' own images, so that the history can be written into its data.
RUN install -d -m 0700 -o 65534 -g 65534 /var/lib/claude-cost-exporter
ENV PATH=/opt/exporter/bin:$PATH \
    XDG_STATE_HOME=/var/lib \
    PYTHONUNBUFFERED=1
USER 65534:65534
EXPOSE 9853
ENTRYPOINT ["claude-cost-exporter"]
CMD ["serve"]

# The same with Prometheus' promtool, which turns the ledger's past into blocks.
FROM exporter AS history
COPY --from=prometheus /bin/promtool /usr/local/bin/promtool
USER 0:0
RUN install -d -o 65534 -g 65534 /prometheus
USER 65534:65534

# What `docker build .` makes.
FROM exporter
