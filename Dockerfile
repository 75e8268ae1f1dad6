# gutdiv with everything it needs, at the versions of the lock file:  docker build -t gutdiv .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD":/work gutdiv gutdiv run --table table.biom --output results
FROM python:3.11-slim-bookworm

COPY requirements.lock /opt/gutdiv/
RUN python -m venv /opt/gutdiv/venv \
 && /opt/gutdiv/venv/bin/pip install --no-cache-dir --use-pep517 --require-hashes -r /opt/gutdiv/requirements.lock
COPY pyproject.toml README.md LICENSE Snakefile /opt/gutdiv/source/
COPY config /opt/gutdiv/source/config
COPY workflow /opt/gutdiv/source/workflow
COPY src /opt/gutdiv/source/src
RUN /opt/gutdiv/venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation /opt/gutdiv/source \
 && rm -r /opt/gutdiv/source

# Whoever the container runs as may have no home: kernels and Snakemake's own files go to the temporary folder, or where these are set to point.
ENV PATH=/opt/gutdiv/venv/bin:$PATH GUTDIV_CACHE_DIR=/tmp/gutdiv-cache XDG_CACHE_HOME=/tmp/gutdiv-cache HOME=/tmp
WORKDIR /work
# No entry point: executors of clouds give whole commands.
CMD ["gutdiv", "--help"]
