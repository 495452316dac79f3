# CPU image: the proxy with the embedded model's runtime, as a user without rights.
FROM python:3.11-slim AS build
WORKDIR /app
RUN python -m venv /venv
# Everything by hash: deploy/requirements*.lock; docs/operations.md says how they are made anew.
COPY deploy/requirements.lock deploy/requirements-torch.lock ./
# Where the CPU build of torch is: torch's index of CPU builds.
ARG PIP_EXTRA_INDEX_URL
RUN /venv/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements-torch.lock -r requirements.lock
COPY pyproject.toml README.md ./
COPY proxy proxy
COPY router router
COPY action_model action_model
COPY scripts scripts
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home maestro && mkdir /data && chown maestro /data
COPY --from=build /venv /venv
COPY --chown=maestro maestro.example.toml /etc/maestro/maestro.toml
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 MAESTRO_LEDGER__URL=sqlite:////data/maestro.db \
    MAESTRO_SERVER__HOST=0.0.0.0 XDG_CACHE_HOME=/data/cache
USER maestro
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
ENTRYPOINT ["maestro"]
CMD ["serve", "--config", "/etc/maestro/maestro.toml"]
