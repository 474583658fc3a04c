# docker build -t dashboard . && docker run -p 8050:8050 dashboard
#
# TORCH_INDEX: address of a package index with a CPU-only torch and torchvision. The packages of the
# default index bring CUDA along, some 5 GB that a server without a GPU has no use for.
# WITH_EXPLANATIONS: 0 leaves torch out of the image. The pages still show class activation maps;
# any other explanation is refused with a sentence.

# 1. The packages, and the shipped models in their serving form; pip itself stays behind.
FROM python:3.11-slim-bookworm AS build
ARG TORCH_INDEX=""
ARG WITH_EXPLANATIONS=1
ENV PIP_NO_CACHE_DIR=1 PIP_PROGRESS_BAR=off PIP_PYTHON=/opt/venv/bin/python
WORKDIR /app
COPY requirements/serve.txt requirements/explain.txt requirements/scale.txt requirements/
RUN python -m venv --without-pip /opt/venv \
    && if [ -n "$TORCH_INDEX" ]; then \
         python -m pip install --no-deps --index-url "$TORCH_INDEX" \
           $(grep -hE '^torch(vision)?==' requirements/explain.txt); \
       fi \
    && python -m pip install -r requirements/serve.txt -r requirements/explain.txt -r requirements/scale.txt
COPY quality quality
COPY models models
RUN CACHE_DIR=/opt/models /opt/venv/bin/python -m models export --all
RUN if [ "$WITH_EXPLANATIONS" = 0 ]; then \
      rm -rf /opt/venv && python -m venv --without-pip /opt/venv \
      && python -m pip install -r requirements/serve.txt -r requirements/scale.txt; \
    fi

# 2. The image: no compiler, no pip, nothing that the server writes to but /tmp.
FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Skin lesion dashboard" \
      org.opencontainers.image.licenses="MIT AND CC-BY-NC-4.0"
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/models /opt/models
COPY LICENSE /app/LICENSE
COPY quality /app/quality
COPY models /app/models
COPY interpretability /app/interpretability
COPY Dashboard /app/Dashboard
COPY reports /app/reports
RUN /opt/venv/bin/python -m compileall -q /app
ENV PATH="/opt/venv/bin:$PATH" \
    CACHE_DIR=/opt/models \
    HOME=/tmp \
    PORT=8050 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app/Dashboard
USER 10001:10001
EXPOSE 8050
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health', timeout=4)"]
CMD ["gunicorn", "dash_ham:server"]
