# The agent, with what the target `build-agent` of our Dockerfile has beside it. Context: builder_images.py.
ARG AGENT
FROM ${AGENT}
COPY trivy buildctl /usr/local/bin/
