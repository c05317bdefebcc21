# Prints as JSON what dynedge.podspec says, with the files that it means: ruby podspec.rb dynedge.podspec
require "json"

class Said < Hash
  def method_missing(name, value)
    self[name.to_s.delete_suffix("=")] = value
  end
end

module Pod
  class Spec
    def self.new
      said = Said.new
      yield said
      folder = File.dirname(ARGV[0])
      said["files"] = Dir.glob(said["source_files"], base: folder).sort
      said["private"] = Dir.glob(said["private_header_files"], base: folder).sort
      puts JSON.generate(said)
    end
  end
end

# Of React Native's react_native_pods.rb.
def min_ios_version_supported = "15.1"

def install_modules_dependencies(spec)
  spec["modules"] = true
end

load ARGV[0]
