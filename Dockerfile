# Dateline with the CPU build of PyTorch. See "Keeping it running" in README.md.

FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/dateline
# First what changes seldom. The usual build of PyTorch brings gigabytes of CUDA.
RUN /opt/dateline/bin/pip install torch --index-url https://download.pytorch.org/whl/cpu
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY seeds seeds
COPY retrieval retrieval
COPY bot bot
RUN /opt/dateline/bin/pip install .

FROM python:3.13-slim
# The letters of a timeline's picture, beyond ASCII.
RUN apt-get update && apt-get install -y --no-install-recommends fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/*
# All that is written: the index, and the liveness file.
RUN useradd --uid 10001 --no-create-home --home-dir /var/lib/dateline --shell /usr/sbin/nologin \
        dateline \
    && install -d -o dateline -g dateline -m 700 /var/lib/dateline /run/dateline
COPY --from=build /opt/dateline /opt/dateline
ENV PATH=/opt/dateline/bin:$PATH \
    HOME=/var/lib/dateline \
    XDG_CACHE_HOME=/var/lib/dateline \
    DATELINE_LIVENESS=/run/dateline/alive \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/dateline
VOLUME /var/lib/dateline
# The first start embeds every article before it joins Discord.
HEALTHCHECK --interval=30s --timeout=10s --start-period=10m --retries=3 CMD ["dateline", "health"]
ENTRYPOINT ["dateline"]
CMD ["run"]
