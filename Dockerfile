# Rollcall in one image: the web app, the worker, the command line, and the cluster's scheduler and workers, so that all of them
# are of one version. docs/scaling.md says how it is meant to run, and what of it could not be tried here.
# Pinned by version; whoever keeps a registry of their own pins the digest as well: FROM python:…@sha256:…
FROM python:3.11.14-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONPATH=/app HOME=/tmp

# Files may belong to nobody but root: the program never changes itself. /data is the only place that keeps anything.
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin rollcall \
    && install -d -o rollcall -g rollcall -m 0700 /data

WORKDIR /app

# Every package by version and hash. This lock is requirements.lock and what the cluster needs.
COPY requirements-cluster.lock ./
RUN python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r requirements-cluster.lock

COPY app.py asgi.py ./
COPY .streamlit/config.toml .streamlit/config.toml
COPY provisioning provisioning
COPY pages pages
RUN python -m compileall -q provisioning pages app.py asgi.py

# Nothing is written outside /data and /tmp: the root file system may be read-only. No secret is in a layer: the sign-in
# (--secrets.files) and the encryption key (ROLLCALL_KEY_FILE) are mounted when it runs.
# No VOLUME: the cluster's containers need none, and data in one without a name are soon lost. Mount /data where it is kept.
USER 10001:10001
ENV ROLLCALL_MODE=server ROLLCALL_DATA=/data ROLLCALL_WORKER=external PYTHONDONTWRITEBYTECODE=1
EXPOSE 8501

HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/ready', timeout=4)"]
CMD ["python", "-m", "streamlit", "run", "asgi.py", "--server.address", "0.0.0.0", "--server.port", "8501"]
